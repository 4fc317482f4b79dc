"""The roof: joins the apps and owns no behaviour of theirs."""
