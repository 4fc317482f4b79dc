"""How do people get in, and stay the only ones who do? Sign-up, sign-in, second factors, their own account."""
