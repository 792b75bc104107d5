"""What customers say of us: answers by keys, a word in their own voice."""
