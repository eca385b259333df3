"""The interpreter: walks a graph, knows no engine, meets the world through ports.

    executor.py    Executor: runs a graph to its end, or computes one that has no effects
    plan.py        a canvas made ready for walking: bodies, order, what leads where
    walk.py        one walk through one body: what is ready, what is skipped, what runs at once
    visiting.py    a node's turn: its attempts, its step, how the graph goes on after it
    visit.py       what a node sees at its turn, and how it reaches the world
    journey.py     what all walks of one run share
    world.py       the ports that nodes use
    scope.py       what a body starts from, and what each node sees of the others' outputs
    variables.py   `vars`, carried along the edges
    place.py       where in the nest of loops a node stands: keys of effects, ids of steps
    journal.py     the steps of the trace, counted against the limits
    processor.py   the processor's time, taken in turns
    limits.py      how far a run may go
    sizes.py       how large values may be
    outcome.py     how a node ends, well or badly
    nodes/         what each kind of node does, one module per kind, and their registry

**A path is decided by values alone.** No clock, chance or fresh id has a say in which nodes run,
what they give or under which keys their effects go. A node sees the outputs and variables of the
nodes it comes after, and of no others, so branches that run at the same time can't disturb each
other. Step ids are derived from the run's id and the node's place. So an engine may execute a run
again from the start: what is pure is computed anew, and what has an effect goes through
`StepRunner` under the same key as before.

Who came first is asked in two places only, both behind effects: by a `merge` whose `join` is
`any`, which the other branches may not end for, and by a failure that ends the run while other
branches are under way. An engine that
executes a run again has to let its recorded effects end in the order they once did.
"""
