"""Which differences between models would hold on other test rows and after training again."""
