"""What a person does in each tab, in a real Chromium."""
