"""Reports that are written from measurements alone: jobs that keep their results, what they measure, the text."""
