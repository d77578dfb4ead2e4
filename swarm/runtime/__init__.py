"""The process that runs one robot: messages as bytes, what is believed of the others, the loop, and its watchdogs."""
