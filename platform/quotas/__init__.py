"""What may a tenant use, what has it used, and what will something cost?"""
