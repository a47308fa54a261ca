"""`csmsctl shell`: the command tree at a prompt. Nothing else imports prompt_toolkit, and nothing imports this."""
