"""The lake: records kept as Parquet by type and day, completely, once, readable by anything.

In:     typed records
Out:    files that are there whole or not at all; which of them are current
Not:    reading input (records.inputs, records.epcis), measures (rules)
Words:  batch = one file taken in; commit = files that come and go together; version = one state of a record
"""
