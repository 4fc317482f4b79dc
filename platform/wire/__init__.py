"""What every API answer has in common: ids, strict JSON, one error shape, keyset pages."""
