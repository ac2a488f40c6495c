"""An embedded, durable job queue. It knows nothing of sites: use it elsewhere as it is.

How a job lives and dies, and where to read it:

1. *Handed in.* `JobQueue.enqueue` or `BatchService.submit` checks kind and payload (`registry`).
   The store writes job, batch, duplicate keys and first change in one transaction, before anybody
   is answered. The job is `pending`, or `scheduled` until it is due.
2. *Claimed.* A `Worker` asks the store for as many ready jobs as it has free lanes, by priority and
   then age; an idle one in the same process joins the transaction that brings the job. A claim is a
   lease with an attempt id; the heartbeat renews it (`upkeep`).
3. *Run.* One of the worker's `Lanes` runs the handler of its kind, within a time limit (`attempt`).
   Whatever the handler does becomes an outcome: `Done`, `Skip`, `Retry`, `Snooze`, `Fail` or
   `Pause` (`outcome`). `retry.decide` turns the outcome into the job's next state.
4. *Recorded.* The transaction that claims the next jobs (`JobStore.exchange`) writes the end, the
   effects, the batch's counters and the change number, if the attempt id is still the job's. An
   attempt that lost its claim writes nothing. The last end of a round writes its one row. Then the
   kind's `on_error` hook hears of a failure (`hooks`).
5. *Lost.* A worker that dies stops renewing; whoever sweeps next (`upkeep`, `maintenance`) puts its
   jobs back, at most ten times, which are counted apart from the retries.
6. *Told.* Whoever waits, or shows progress, subscribes to the process's `hub`, which reads what has
   changed once for all of them.
7. *Forgotten.* A day after its batch has completed the job is pruned; batches stay.

`job` has the words and the two transition tables, `store` what is asked of a database and `records`
what goes there and comes back; `host` says who may work and how a worker comes to be.
"""
