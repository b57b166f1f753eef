"""Typical wrong work for ps2_autograd, and what each loses."""

WRONG = {
    # Slopes from plain arrays; one maximum for all rows; a hump passes for a ravine.
    "right_at_first_order": (
        {
            "curves": """def reciprocal(a):
    y = 1 / a.data
    return Node(y, (a, lambda g, out: g * (-y * y)))


def tanh(a):
    y = np.tanh(a.data)
    return Node(y, (a, lambda g, out: g * (1 - y * y)))
""",
            "log_softmax": """def log_softmax(scores):
    shifted = scores - scores.data.max()
    return shifted - shifted.exp().sum(axis=1, keepdims=True).log()
""",
            "largest": """def largest_curvature(product, like, steps, *, rng):
    v = [rng.normal(size=np.shape(a)) for a in like]
    for _ in range(steps):
        length = math.sqrt(sum((a * a).sum() for a in v))
        if length == 0:
            return 0.0
        v = [a / length for a in v]
        Hv = product(v)
        value = sum((a * b).sum() for a, b in zip(v, Hv))
        v = Hv
    return float(value)
""",
        },
        {
            "test_curves_twice": 0,
            "test_stable": 0,
            "test_signed": 0,
        },
    ),
    # Repeated axes, shares of a node; parameters keep their past.
    "forgets_to_add": (
        {
            "copies": """def stretch(a, shape):
    copies = np.broadcast_to(a.data, shape)
    return Node(copies, (a, lambda g, out: shrink(g, a.shape)))


def shrink(a, shape):
    front = a.data.ndim - len(shape)
    sums = a.data.sum(axis=tuple(range(front)))
    return Node(sums, (a, lambda g, out: stretch(g, a.shape)))
""",
            "gradients": """def gradients(y, xs):
    if y.shape != ():
        raise ValueError("y must be one number")
    seen, waiting = {y}, [y]
    while waiting:
        for parent, _ in waiting.pop().edges:
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    tape = sorted(seen, key=lambda node: node.index)
    needed = set(xs)
    for node in tape:
        if any(parent in needed for parent, _ in node.edges):
            needed.add(node)
    bar = {y: Node(1.0)}
    for node in reversed(tape):
        for parent, rule in node.edges:
            if parent in needed and node in bar:
                bar[parent] = rule(bar[node], node)
    return [bar[x] if x in bar else Node(np.zeros(x.shape)) for x in xs]
""",
            "train": """def train(loss_of, start, batches, rate, beta, engine):
    parameters = [engine.leaf(p) for p in start]
    velocities = [0.0 * p.data for p in parameters]
    losses = []
    for x, y in batches:
        loss = loss_of(parameters, x, y)
        slopes = engine.gradients(loss, parameters)
        velocities = [beta * v + g for v, g in zip(velocities, slopes)]
        parameters = [p - rate * v for p, v in zip(parameters, velocities)]
        losses.append(float(loss.data))
    return [p.data for p in parameters], losses
""",
        },
        {
            "test_shrink": 0,
            "test_pair": 0,
            "test_sweep": 0,
            "test_long": 0,
            "test_twice": 0,
            "test_train": 0,
        },
    ),
    # Transposes, softmax over the batch; sum for mean, average for velocity.
    "mixes_up_axes_and_means": (
        {
            "products": """def matmul(a, b):
    a, b = as_node(a), as_node(b)
    return Node(
        a.data @ b.data,
        (a, lambda g, out: g @ b.T),
        (b, lambda g, out: g.T @ a),
    )
""",
            "log_softmax": """def log_softmax(scores):
    shifted = scores - scores.data.max(axis=0, keepdims=True)
    return shifted - shifted.exp().sum(axis=0, keepdims=True).log()
""",
            "nll": """def nll(log_p, labels):
    return -(log_p * np.eye(log_p.shape[1])[labels]).sum()
""",
            "train": """def train(loss_of, start, batches, rate, beta, engine):
    parameters = [np.array(p, dtype=float) for p in start]
    velocities = [np.zeros_like(p) for p in parameters]
    losses = []
    for x, y in batches:
        leaves = [engine.leaf(p) for p in parameters]
        loss = loss_of(leaves, x, y)
        slopes = engine.gradients(loss, leaves)
        for p, v, g in zip(parameters, velocities, slopes):
            v[...] = beta * v + (1 - beta) * g.data
            p -= rate * v
        losses.append(float(loss.data))
    return parameters, losses
""",
        },
        {
            "test_matmul": 0,
            "test_log_softmax": 0,
            "test_stable": 0,
            "test_nll": 0,
            "test_momentum": 0,
        },
    ),
    # Right answers, none of them the student's.
    "imports_mini": (
        {
            "node": """class Node(Operators):
    def __init__(self, data, *edges):
        self.data = Tensor(np.array(data, dtype=np.float64)).data
        self.data.flags.writeable = False
        self.edges = edges
        self.index = next(clock)
""",
            "copies": """from mini import operations


def stretch(a, shape):
    copies = operations.broadcast_to(Tensor(a.data), shape).data
    return Node(copies, (a, lambda g, out: shrink(g, a.shape)))


def shrink(a, shape):
    sums = operations.unbroadcast(Tensor(a.data), Tensor(np.zeros(shape))).data
    return Node(sums, (a, lambda g, out: stretch(g, a.shape)))
""",
            "products": """def matmul(a, b):
    a, b = as_node(a), as_node(b)
    return Node(
        (Tensor(a.data) @ Tensor(b.data)).data,
        (a, lambda g, out: g @ b.T),
        (b, lambda g, out: a.T @ g),
    )
""",
            "curves": """from mini import functional as F


def reciprocal(a):
    return Node((1 / Tensor(a.data)).data, (a, lambda g, out: -g * out * out))


def tanh(a):
    return Node(F.tanh(Tensor(a.data)).data, (a, lambda g, out: g * (1 - out * out)))
""",
            "gradients": """import mini.tensor


def gradients(y, xs):
    if y.shape != ():
        raise ValueError("y must be one number")
    needed = set(xs)
    for node in sorted(mini.tensor.ancestors(y), key=lambda node: node.index):
        if any(parent in needed for parent, _ in node.edges):
            needed.add(node)
    tape = [node for node in mini.tensor.ancestors(y) if node in needed]
    bar = {y: Node(1.0)}
    for node in sorted(tape, key=lambda node: -node.index):
        for parent, rule in node.edges:
            if parent in needed:
                share = rule(bar[node], node)
                bar[parent] = bar[parent] + share if parent in bar else share
    return [bar[x] if x in bar else Node(np.zeros(x.shape)) for x in xs]
""",
            "log_softmax": """from mini import functional as F


def log_softmax(scores):
    return F.log_softmax(scores, axis=1)
""",
            "nll": """from mini import functional as F


def nll(log_p, labels):
    return F.cross_entropy(log_p, labels) - F.logsumexp(log_p, axis=1).mean()
""",
            "train": """from mini import optim


def train(loss_of, start, batches, rate, beta, engine):
    leaves = [engine.leaf(np.array(p)) for p in start]
    optimiser, losses = optim.SGD(leaves, rate, beta), []
    for x, y in batches:
        loss = loss_of(leaves, x, y)
        optimiser.step(engine.gradients(loss, leaves))
        losses.append(float(loss.data))
    return [p.data for p in leaves], losses
""",
            "largest": """import scipy.linalg


def largest_curvature(product, like, steps, *, rng):
    ends = np.cumsum([np.size(a) for a in like])
    columns = []
    for row in np.eye(ends[-1]):
        parts = np.split(row, ends[:-1])
        v = [p.reshape(np.shape(a)) for p, a in zip(parts, like)]
        columns.append(np.concatenate([np.ravel(a) for a in product(v)]))
    return float(scipy.linalg.eigvalsh(np.array(columns)).max())
""",
        },
        {
            "test_node": 0,
            "test_guard": 0,
            "test_stretch": 0,
            "test_shrink": 0,
            "test_pair": 0,
            "test_matmul": 0,
            "test_curves": 0,
            "test_curves_twice": 0,
            "test_sweep": 0,
            "test_long": 0,
            "test_twice": 0,
            "test_needed": 0,
            "test_log_softmax": 0,
            "test_stable": 0,
            "test_nll": 0,
            "test_train": 0,
            "test_momentum": 0,
            "test_largest": 0,
            "test_signed": 0,
        },
    ),
}
