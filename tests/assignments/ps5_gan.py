"""Typical wrong work for ps5_gan, and what each loses."""

TURNS = """def critic_turn(generator, critic, optimiser, real, z, penalty=None):
    fake = generator(z).detach()
    loss = F.softplus(-critic(real)).mean() + F.softplus(critic(fake)).mean()
    total = loss
    if penalty is not None:
        total = loss + penalty(critic, np.concatenate([real, fake.data]))
    optimiser.step(grad(total, critic.parameters()))
    return loss.item()


def generator_turn(generator, critic, optimiser, z):
    loss = F.softplus(-critic(generator(z))).mean()
    optimiser.step(grad(loss, generator.parameters()))
    return loss.item()
"""


def changed(old, new):
    """The right turns, but for one thing."""
    assert old in TURNS
    return TURNS.replace(old, new)


WRONG = {
    # densities and probabilities in place of their logarithms
    "loses_the_logarithms": (
        {
            "best_logit": """def best_logit(log_p, log_q, *, share=0.5, smooth=0.0):
    p, q = np.exp(log_p), np.exp(log_q)
    D = share * (1 - smooth) * p / (share * p + (1 - share) * q)
    return np.log(D) - np.log(1 - D)
""",
            "critic_loss": """def critic_loss(real, fake, *, share=0.5, smooth=0.0):
    real, fake = 1 / (1 + op.exp(-real)), 1 / (1 + op.exp(-fake))
    on_real = (1 - smooth) * op.log(real) + smooth * op.log(1 - real)
    return -share * on_real.mean() - (1 - share) * op.log(1 - fake).mean()
""",
        },
        {"test_best_logit": 0, "test_best_logit_smooth": 0, "test_critic_loss_far": 0},
    ),
    # right everywhere but at the seam, and there only in the second derivative
    "softplus_by_the_absolute_value": (
        {
            "critic_loss": """def critic_loss(real, fake, *, share=0.5, smooth=0.0):
    def softplus(x):
        return 0.5 * x + 0.5 * abs(x) + op.log(1 + op.exp(-abs(x)))

    on_real = (1 - smooth) * softplus(-real) + smooth * softplus(real)
    return share * on_real.mean() + (1 - share) * softplus(fake).mean()
""",
        },
        {"test_critic_loss_slopes": 0},
    ),
    # both sides smoothed, and the share of real ones forgotten
    "smooths_both_sides": (
        {
            "best_logit": """def best_logit(log_p, log_q, *, share=0.5, smooth=0.0):
    a, b = np.log(share) + log_p, np.log(1 - share) + log_q
    most, least = np.log(1 - smooth), np.log(smooth)
    return np.logaddexp(most + a, least + b) - np.logaddexp(least + a, most + b)
""",
            "critic_loss": """def critic_loss(real, fake, *, share=0.5, smooth=0.0):
    def softplus(x):
        top = np.maximum(x.data, 0)
        return top + op.log(op.exp(x - top) + np.exp(-top))

    on_real = softplus(-real) + smooth * real
    on_fake = softplus(fake) - smooth * fake
    return share * on_real.mean() + (1 - share) * on_fake.mean()
""",
        },
        {
            "test_best_logit_smooth": 0,
            "test_critic_loss": 0,
            "test_critic_loss_far": 0,
            "test_critic_loss_slopes": 0,
        },
    ),
    # KL(q ‖ p) where KL(p ‖ q) was asked for, and the other way round
    "turns_the_divergences_round": (
        {
            "stakes": """def stakes(name, d):
    if name == "reverse_kl":
        return d + 1, op.exp(d)
    if name == "kl":
        return -op.exp(-d), d - 1
    if name == "hellinger":
        return 1 - op.exp(-d / 2), op.exp(d / 2) - 1
    return (np.log(2) - F.softplus(-d)) / 2, (F.softplus(d) - np.log(2)) / 2
""",
        },
        {"test_stakes": 0, "test_stakes_bound": 0},
    ),
    # log(2u / (1 + u)) as it stands: a quotient of infinities far out
    "stakes_by_the_ratio": (
        {
            "stakes": """def stakes(name, d):
    u = op.exp(d)
    if name == "kl":
        return op.log(u) + 1, u
    if name == "reverse_kl":
        return -1 / u, op.log(u) - 1
    if name == "hellinger":
        return 1 - 1 / op.sqrt(u), op.sqrt(u) - 1
    return 0.5 * op.log(2 * u / (u + 1)), 0.5 * op.log((u + 1) / 2)
""",
        },
        {"test_stakes_far": 0},
    ),
    # no detach: the critic's function moves with the forger's numbers
    "critic_moves_along": (
        {
            "told": """def told(cost, log_p, m, s):
    mean, std = Tensor(np.array(float(m)), True), Tensor(np.array(float(s)), True)
    x = mean + std * z
    d = log_p(x) - log_bell(x, mean, std)
    slopes = grad(-(weights * cost(d)).sum(), [mean, std])
    return np.array([slope.item() for slope in slopes])
""",
        },
        {"test_told": 0, "test_told_elsewhere": 0},
    ),
    # one length for the whole batch; what is learnt from it is wrong as well
    "length_over_the_batch": (
        {
            "slope_charge": """def slope_charge(critic, x, most=0.0):
    x = Tensor(x, requires_grad=True)
    (slope,) = grad(critic(x).sum(), [x], create_graph=True)
    length = op.sqrt((slope * slope).sum() + 1e-30)
    return F.relu(length - most) ** 2
""",
        },
        {"test_slope_charge": 0, "test_slope_charge_learns": 0},
    ),
    # the right number, and nothing to learn from it
    "no_second_tape": (
        {
            "slope_charge": """def slope_charge(critic, x, most=0.0):
    x = Tensor(x, requires_grad=True)
    (slope,) = grad(critic(x).sum(), [x])
    length = op.sqrt((slope * slope).sum(axis=1))
    return (F.relu(length - most) ** 2).mean()
""",
        },
        {"test_slope_charge_learns": 0},
    ),
    # infinity times zero where the critic is flat
    "root_of_nothing": (
        {
            "slope_charge": """def slope_charge(critic, x, most=0.0):
    x = Tensor(x, requires_grad=True)
    (slope,) = grad(critic(x).sum(), [x], create_graph=True)
    length = op.sqrt((slope * slope).sum(axis=1))
    return (F.relu(length - most) ** 2).mean()
""",
        },
        {"test_slope_charge_learns": 0},
    ),
    # the critic's term for forgeries, copied into the generator's loss
    "wrong_sign_for_the_generator": (
        {"turns": changed("-critic(generator(z))", "critic(generator(z))")},
        {"test_generator_turn": 0, "test_game": 0},
    ),
    "detached_in_the_generators_turn": (
        {"turns": changed("critic(generator(z))", "critic(generator(z).detach())")},
        {"test_generator_turn": 0, "test_game": 0},
    ),
    # the critic's step is given to everybody who took part
    "one_loss_for_both": (
        {
            "turns": changed(
                "    fake = generator(z).detach()",
                "    fake = generator(z)",
            ).replace(
                "    optimiser.step(grad(total, critic.parameters()))",
                "    everybody = critic.parameters() + generator.parameters()\n"
                "    slopes = grad(total, everybody)\n"
                "    optim.SGD(everybody, optimiser.lr).step(slopes)",
            )
        },
        {"test_critic_turn": 0, "test_game": 0},
    ),
    "forgets_the_penalty": (
        {"turns": changed("penalty is not None", "False")},
        {"test_critic_turn": 0, "test_game": 0},
    ),
    # the longer of two samples is cut to the length of the shorter
    "pairs_what_there_is": (
        {
            "work": """def work(real, fake):
    n = min(len(real), len(fake))
    order = np.argsort(fake.data)[:n]
    return abs(np.sort(real)[:n] - fake[order]).mean()
""",
        },
        {"test_work": 0, "test_work_slopes": 0},
    ),
    # what mini, torch and SciPy have ready
    "imports_mini": (
        {
            "best_logit": """import torch


def best_logit(log_p, log_q, *, share=0.5, smooth=0.0):
    a, b = (torch.as_tensor(np.asarray(x, float)) for x in (log_p, log_q))
    a, b = torch.broadcast_tensors(a, b)
    forged = torch.logaddexp(np.log(share) + np.log(smooth) + a, np.log(1 - share) + b)
    return (np.log(share) + np.log(1 - smooth) + a - forged).numpy()
""",
            "critic_loss": """def critic_loss(real, fake, *, share=0.5, smooth=0.0):
    on_real = F.softplus(-real) + smooth * real
    return share * on_real.mean() + (1 - share) * F.softplus(fake).mean()
""",
            "slope_charge": """from mini import adversarial


def slope_charge(critic, x, most=0.0):
    squares = adversarial._squared_slopes("slope_charge", critic, x)
    steep = squares.data > most**2
    length = op.sqrt(op.where(steep, squares, 1.0))
    return (op.where(steep, length - most, 0.0) ** 2).mean()
""",
            "turns": """from mini.adversarial import non_saturating


def critic_turn(generator, critic, optimiser, real, z, penalty=None):
    fake = generator(z).detach()
    loss = non_saturating.discriminator(critic(real), critic(fake))
    total = loss
    if penalty is not None:
        total = loss + penalty(critic, np.concatenate([real, fake.data]))
    optimiser.step(grad(total, critic.parameters()))
    return loss.item()


def generator_turn(generator, critic, optimiser, z):
    loss = non_saturating.generator(critic(generator(z)))
    optimiser.step(grad(loss, generator.parameters()))
    return loss.item()
""",
            "work": """from scipy.stats import wasserstein_distance


def work(real, fake):
    value, h = wasserstein_distance(real, fake.data), 1e-6
    slopes = np.zeros(len(fake))
    for k in range(len(fake) if fake.requires_grad and len(fake) < 50 else 0):
        moved = fake.data.copy()
        moved[k] += h
        slopes[k] = (wasserstein_distance(real, moved) - value) / h
    return value + ((fake - fake.data) * slopes).sum()
""",
        },
        {
            "test_best_logit": 0,
            "test_best_logit_smooth": 0,
            "test_critic_loss": 0,
            "test_critic_loss_far": 0,
            "test_critic_loss_slopes": 0,
            "test_slope_charge": 0,
            "test_slope_charge_learns": 0,
            "test_critic_turn": 0,
            "test_generator_turn": 0,
            "test_game": 0,
            "test_work": 0,
            "test_work_slopes": 0,
        },
    ),
}
