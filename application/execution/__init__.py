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
    reuse.py       what a new run takes over of an earlier one
    sizes.py       how large values may be
    outcome.py     how a node ends, well or badly
    interpreter.py its version, so that a newer one leaves runs that have begun to the older
    nodes/         what each kind of node does, one module per kind, and their registry

**A path is decided by values alone.** No clock, chance or fresh id has a say in which nodes run,
what they give or under which keys their effects go. A node sees the outputs and variables of the
nodes it comes after, and of no others, so branches that run at the same time can't disturb each
other. Step ids are derived from the run's id and the node's place. So an engine may execute a run
again from the start: what is pure is computed anew, and what has an effect goes through
`StepRunner` under the same key as before.

What depends on time or on who came first is decided once, by `StepRunner.decide`: the winner of a
`merge` whose `join` is `any`, until when a `delay` lasts, and how an attempt of a loop, or a turn
that is forgiven, has failed. Those are not walked again; their steps are stored before.

**What may take long leaves.** A node that waits for long raises `Parked`; its walk goes on with
everything else, and raises `Parked` itself once nothing else is left. The run then waits in storage
until it is time or somebody has a word for it, and is executed from the start again.
"""
