"""Files of every kind made into rows of one type, with what is wrong with them.

In:     CSV, Parquet, workbooks
Out:    typed rows, faults, refused rows in the shape they came in
Not:    EPCIS (records.epcis), keeping (records.lake)
"""
