"""What end-to-end tests, tools/demo and benches share: servers to talk to, findings to serve, a daemon to run."""
