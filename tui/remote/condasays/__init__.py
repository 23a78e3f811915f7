"""What conda, mamba and micromamba say, read: how a command ended, what it plans, how far it is, what it cleans."""
