"""awssim: one program that plays the parts of AWS that findingsd talks to.

GuardDuty, Security Hub, SNS and STS, for any number of accounts and regions, on one port. See __main__.py for how to
run it, control.py for how a test steers it, faults.py for what can be made to go wrong. Standard library only.
"""
