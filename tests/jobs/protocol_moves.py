"""What can happen next in the model of the job protocol: to a worker, to the broker, by people, by the clock."""

from collections.abc import Iterator

from tests.jobs.protocol_model import (
    ACTIVE,
    ENDED,
    HEARTBEAT,
    IDLE,
    LEASE,
    NONE,
    OLD,
    OWED_BOUND,
    WAIT_BOUND,
    Batch,
    Design,
    Scope,
    State,
    Worker,
    accept,
    alive,
    claim,
    end_attempt,
    finish,
    free,
    reap,
    runs,
)

Step = tuple[str, State]
# ---- one worker --------------------------------------------------------------------------------------------------

WorkerStep = tuple[str, Worker, State]


def worker_moves(w: Worker, s: State, d: Design, scope: Scope) -> Iterator[WorkerStep]:
    """Every step this worker can take, with its new self and the new rest of the world."""
    if free(w):
        if s.hints:
            yield _hint(s, d, scope)
        return
    yield from _child_moves(w, s, d)
    if w.supervisor != "none" and not w.asleep:
        yield from _supervisor_moves(w, s, d, scope)
    yield from _faults(w, s, d, scope)


def _hint(s: State, d: Design, scope: Scope) -> WorkerStep:
    claimed = claim(s._replace(hints=s.hints - 1), d)
    if claimed is None:
        return "deliver hint, drop it", IDLE, s._replace(hints=s.hints - 1)
    begin = claimed.last_seq
    new = Worker(
        "claimed",
        epoch=claimed.epoch,
        owner=True,
        fence=d.fence_ticks,
        left=scope.points,
        emitted=begin,
        sent=begin,
    )
    return "deliver hint, claim", new, claimed


def _child_moves(w: Worker, s: State, d: Design) -> Iterator[WorkerStep]:
    if w.dozing or not alive(w):
        return
    if _watches(d, w.supervisor) and w.fence <= 0:
        yield "trainer leaves at its deadline", w._replace(child="left"), s
    if w.child == "up":
        if w.left:
            yield "trainer writes a point", w._replace(emitted=w.emitted + 1, left=w.left - 1), s
        if w.emitted > max(s.saved, s.last_seq):
            yield "trainer saves a checkpoint", w, s._replace(saved=w.emitted)
        yield "trainer is done", w._replace(child="done"), s


def _supervisor_moves(w: Worker, s: State, d: Design, scope: Scope) -> Iterator[WorkerStep]:
    if w.supervisor == "claimed":
        yield _start(w, s, d)
        return
    if w.supervisor == "starting":
        yield "write the first deadline", w._replace(supervisor="up"), s
        return
    if d.supervisor_fences_itself and w.fence <= 0 and alive(w):
        yield "fence itself", IDLE, s
    if w.cut:
        return
    if w.answer != NONE:
        yield "read late answer of renewal", _read(w, w.answer, s, d), s
    elif alive(w):
        yield from _renew(w, s, d, scope)
    if w.emitted > w.sent:
        yield from _send_batch(w, s, d, scope)
    if not alive(w) and (w.emitted <= w.sent or not d.finish_waits_for_events):
        finished = finish(s, d, w) if w.child == "done" else None
        yield ("finish", IDLE, finished) if finished else ("report the end", IDLE, end_attempt(s, d, scope, w))


def _start(w: Worker, s: State, d: Design) -> WorkerStep:
    if not d.first_fence_counts_from_claim:
        w = w._replace(fence=d.fence_ticks)
    late = w.fence <= 0
    if late and d.start_checks_deadline:
        return "give up late start", IDLE, s
    supervisor = "up" if d.deadline_is_set_before_start else "starting"
    child = "waking" if late and _watches(d, supervisor) else "up"
    return "start trainer", w._replace(supervisor=supervisor, child=child), s


def _watches(d: Design, supervisor: str) -> bool:
    return d.child_watches_deadline and supervisor != "starting"


def _renew(w: Worker, s: State, d: Design, scope: Scope) -> Iterator[WorkerStep]:
    """Guarded UPDATE of the lease. The answer brings what people asked for; it may come late, or never."""
    if s.status not in ACTIVE or (w.epoch != s.epoch and d.renew_needs_epoch):
        yield "renewal refused", _refused(w, d), s
        return
    renewed = s._replace(lease=LEASE)
    yield "renew", _read(w, d.fence_ticks, s, d), renewed
    waits = w._replace(answer=d.fence_ticks)
    if scope.partitions:
        yield "fault: cut network before the answer", waits._replace(cut=True), renewed
    if scope.pauses:
        yield "fault: pause supervisor before the answer", waits._replace(asleep=True), renewed


def _read(w: Worker, life: int, s: State, d: Design) -> Worker:
    """The supervisor has the answer: a new deadline, and perhaps an order for the trainer."""
    mine = w.epoch == s.epoch
    if mine and s.status == "cancelling" and d.heartbeat_brings_cancel:
        return w._replace(child="dead" if alive(w) else w.child, answer=NONE)
    life = life if d.fence_counts_from_sending else d.fence_ticks
    child = "up" if w.child == "waking" and life > 0 else w.child
    told = w.told or (mine and s.stop and d.heartbeat_brings_stop)
    return w._replace(fence=max(w.fence, life), child=child, told=told, answer=NONE)


def _refused(w: Worker, d: Design) -> Worker:
    """The database said that somebody else owns the job: kill the trainer and forget the attempt."""
    return IDLE if d.supervisor_obeys_refusal or not alive(w) else w


def _send_batch(w: Worker, s: State, d: Design, scope: Scope) -> Iterator[WorkerStep]:
    batch = Batch(w.epoch, w.owner, w.sent + 1, w.emitted)
    if not d.batch_waits_for_answer:
        yield "send events, lost on the way", w._replace(sent=w.emitted), s
    if scope.stray_batches and s.stray is None:
        yield "fault: send events, late on the wire", w, s._replace(stray=batch)
    accepted = accept(s, d, batch)
    if accepted is None:
        if w.epoch != s.epoch or s.status not in ACTIVE:
            yield "events refused, stale", _refused(w, d), s
        elif d.refused_batch_rewinds:
            yield "events refused, go on from the database", w._replace(sent=s.last_seq), s
        return
    yield "send events", w._replace(sent=w.emitted), accepted
    yield "fault: send events, answer lost", w, accepted
    if scope.stray_batches and s.stray is None:
        yield "fault: send events, twice on the wire", w._replace(sent=w.emitted), accepted._replace(stray=batch)


def _faults(w: Worker, s: State, d: Design, scope: Scope) -> Iterator[WorkerStep]:
    may_break = scope.impaired > sum(x.asleep or x.dozing or x.cut for x in s.workers if x is not w)
    if w.supervisor != "none":
        survives = not d.child_dies_with_supervisor and alive(w)
        yield "fault: kill -9 supervisor", w._replace(supervisor="none") if survives else IDLE, s
        if w.asleep:
            yield "repair: resume supervisor", w._replace(asleep=False), s
        elif scope.pauses and may_break and not w.cut:
            yield "fault: pause supervisor", w._replace(asleep=True), s
        if w.cut:
            yield "repair: heal network", w._replace(cut=False), s
        elif scope.partitions and may_break and not w.asleep and not w.dozing:
            yield "fault: cut network", w._replace(cut=True), s
        if w.answer != NONE:
            yield "fault: answer of renewal lost", w._replace(answer=NONE), s
    if alive(w):
        yield "fault: kill -9 trainer", w._replace(child="dead"), s
        if w.dozing:
            late = _watches(d, w.supervisor) and w.fence < 0
            yield "repair: resume trainer", w._replace(dozing=False, child="waking" if late else "up"), s
        elif scope.pauses and may_break and not w.cut:
            yield "fault: pause trainer", w._replace(dozing=True), s


# ---- the world ---------------------------------------------------------------------------------------------------


def due(w: Worker, d: Design) -> bool:
    """Something this worker does before any more time passes (reaction times are below one tick)."""
    late_child = _watches(d, w.supervisor) and ((w.fence < 0 and w.child == "up") or w.child == "waking")
    told_child = w.told and runs(w)
    if (late_child and not w.dozing) or told_child:
        return True
    if w.asleep or w.supervisor == "none":
        return False
    if w.supervisor in ("claimed", "starting") or (d.supervisor_fences_itself and w.fence < 0 and alive(w)):
        return True
    return not w.cut and (w.answer != NONE or not alive(w) or w.fence <= d.fence_ticks - HEARTBEAT)


def world_moves(s: State, d: Design, scope: Scope) -> Iterator[Step]:
    """Broker, beat, people and the clock."""
    if s.hints:
        yield "fault: broker drops a hint", s._replace(hints=s.hints - 1, waited=0)
        if s.hints < scope.hints:
            yield "fault: broker doubles a hint", s._replace(hints=s.hints + 1)
    if s.stray:
        yield "fault: stray events lost", s._replace(stray=None)
        yield "stray events arrive", (accept(s, d, s.stray) or s)._replace(stray=None)
    if scope.beat_dies:
        yield ("fault: beat dies" if s.beat else "repair: beat is back"), s._replace(beat=not s.beat, waited=0)
    if s.beat and _wants_sweep(s, d):
        yield "sweep", s._replace(hints=1)
    if s.beat and d.reaper and (reaped := reap(s, d, scope)):
        yield "reap", reaped
    if s.artifact and s.status == "running":
        yield "second half of finish", s._replace(status="succeeded")
    if s.status == "queued":
        yield "user: cancel", s._replace(status="cancelled", asked="cancel")
    elif s.status == "running":
        yield "user: cancel", s._replace(status="cancelling", asked="cancel", owed=0)
        if scope.stops and not s.asked:
            yield "user: stop and save", s._replace(stop=True, asked="stop")
    if not _blocks_clock(s, d, scope):
        yield "tick", _tick(s, d)


def _wants_sweep(s: State, d: Design) -> bool:
    return d.sweeper and s.status == "queued" and not s.hints and s.waited >= d.sweep_ticks


def _blocks_clock(s: State, d: Design, scope: Scope) -> bool:
    if due(s.workers[0], d) or due(s.workers[1], d):
        return True
    if s.hints and s.status == "queued" and any(map(free, s.workers)) and claim(s, d):
        return True
    return s.beat and (_wants_sweep(s, d) or (d.reaper and reap(s, d, scope) is not None))


def _tick(s: State, d: Design) -> State:
    pressed = s.asked and any(runs(w) and w.supervisor == "up" and not w.asleep and not w.cut for w in s.workers)
    waits = s.status == "queued" and s.beat and any(map(free, s.workers))
    return s._replace(
        lease=NONE if s.lease == NONE else max(s.lease - 1, -d.slack_ticks - 1),
        workers=(_older(s.workers[0]), _older(s.workers[1])),
        owed=min(s.owed + 1, OWED_BOUND + 1) if pressed else 0,
        waited=min(s.waited + 1, WAIT_BOUND + 1) if waits else s.waited,
    )


def _older(w: Worker) -> Worker:
    if free(w):
        return w
    return w._replace(fence=max(w.fence - 1, -1), answer=w.answer if w.answer == NONE else max(w.answer - 1, -1))


def moves(s: State, d: Design, scope: Scope) -> Iterator[Step]:
    """All next states, in their simplest equal form."""
    first, second = s.workers
    for me, other in ((first, second),) if first == second else ((first, second), (second, first)):
        for name, new, rest in worker_moves(me, s, d, scope):
            if name == "deliver hint, claim":
                other = other._replace(owner=False)
                rest = rest._replace(stray=rest.stray and rest.stray._replace(owner=False))
            yield name, simplest(rest._replace(workers=(new, other)))
    for name, rest in world_moves(s, d, scope):
        yield name, simplest(rest)


def simplest(s: State) -> State:
    """The representative of all states that can only behave alike: equal workers in any order, and of epochs and
    sequence numbers only the differences to the row's own."""
    a, b = _simplest_worker(s.workers[0], s), _simplest_worker(s.workers[1], s)
    stray = s.stray and Batch(
        max(s.stray.epoch - s.epoch, -1),
        s.stray.owner,
        max(s.stray.first - s.last_seq, OLD),
        max(s.stray.last - s.last_seq, OLD),
    )
    ended = s.status in ENDED
    return State(
        s.status,
        0,
        s.failures,
        s.lease if s.status in ACTIVE else NONE,
        s.stop and not ended,
        0,
        0 if ended else max(s.saved - s.last_seq, 0),
        s.artifact,
        0 if ended else s.hints,
        s.beat or ended,
        (a, b) if a <= b else (b, a),
        stray,
        s.asked,
        0 if ended else s.owed,
        s.waited if s.status == "queued" else 0,
        s.broken,
    )


def _simplest_worker(w: Worker, s: State) -> Worker:
    if free(w) or (w.supervisor == "none" and not alive(w)):
        return IDLE
    if not s.epoch and not s.last_seq and w.supervisor != "none" and alive(w):
        return w  # as it was
    epoch, sent = max(w.epoch - s.epoch, -1), max(w.sent - s.last_seq, OLD)
    emitted = sent + w.emitted - w.sent
    if w.supervisor == "none":
        return Worker(child=w.child, dozing=w.dozing, fence=w.fence)
    if alive(w) or w.supervisor == "claimed":
        return w._replace(epoch=epoch, emitted=emitted, sent=sent)
    return Worker(w.supervisor, w.asleep, w.child, cut=w.cut, epoch=epoch, owner=w.owner, emitted=emitted, sent=sent)
