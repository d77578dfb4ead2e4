"""Messages between the robots of a batch, as torch passes gradients through them (passing) and as kernels."""
