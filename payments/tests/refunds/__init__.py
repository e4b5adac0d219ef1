"""Tests of refunds: plan, admin pages, execution, races."""
