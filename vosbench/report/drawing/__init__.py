"""What figures share: how they look, labels beside points and curves, curves against frames and capacity."""
