"""A table as a pandas data frame, for tests that look things up in it."""

from pandas import DataFrame


def frame_of(table):
    return DataFrame(table.rows, columns=[column.key for column in table.columns])
