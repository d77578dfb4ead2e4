"""The bodies that a control process drives."""
