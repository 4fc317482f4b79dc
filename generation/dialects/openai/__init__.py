"""OpenAI's Images API (api.md 1): its official clients work unmodified; what we cannot honour is refused by name."""
