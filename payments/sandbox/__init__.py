"""Stand-ins for PayPal, UnionPay and a mail server, over real HTTP and SMTP. Started by ``server.serve``."""
