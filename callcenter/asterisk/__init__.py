"""Asterisk's wire protocols, AMI and FastAGI, as a library that knows no call and no agent."""
