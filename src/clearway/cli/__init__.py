"""The commands: parse, call one function, print.

In:     words of a command line
Out:    text or JSON on standard output, faults on standard error, exit codes 0, 1 and 2
Not:    decisions of its own
Words:  0 done, 1 the answer is no, 2 bad input
"""
