"""The demo shop's goods and services as plain data; ``seed_catalog`` puts them into the database."""
