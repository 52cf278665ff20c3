"""Model architectures, one file each; shared parts are in `blocks`."""
