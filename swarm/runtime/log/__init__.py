"""The log of a control process: written, read, and what is in it. No period ever waits for it."""
