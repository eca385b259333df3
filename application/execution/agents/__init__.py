"""How agents act: the tool loop, memory and guardrails."""
