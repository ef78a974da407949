"""STCN: the published network and a narrow one."""
