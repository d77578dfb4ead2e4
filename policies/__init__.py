"""Networks and their training (torch); nothing here is needed to run a robot, which reads the ONNX file."""
