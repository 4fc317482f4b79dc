"""How do programs of tenants hear of what happens here?"""
