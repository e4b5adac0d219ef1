"""Programs that open what strangers send, each in its own process; ``checkout.intake.apart`` starts them.

Only here are libraries given a stranger's file, and nothing of the shop imports these modules: whatever a
file does to a library is done to a process that knows nothing, has little memory and ends soon.
"""
