"""Where a series comes from: mails and mailboxes, plain diffs, and git."""
