"""How is a request that comes twice done once?"""
