"""Model architectures, one file each; what two share stands in `blocks`."""
