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


def changed(old, new, times=-1):
    """The right turns, but for one thing, in as many places (−1: in all)."""
    assert old in TURNS
    return TURNS.replace(old, new, times)


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
    # the critic's term for forgeries, copied into the generator's loss
    "wrong_sign_for_the_generator": (
        {"turns": changed("-critic(generator(z))", "critic(generator(z))")},
        {"test_generator_turn": 0, "test_game": 0},
    ),
    # the exp of a large difference; a lie about both kinds; a critic that moves while
    # its judgement is asked for; L_D with the charge in it; as many heights as samples
    "nearly_right": (
        {
            "best_logit": """def best_logit(log_p, log_q, *, share=0.5, smooth=0.0):
    forged = (1 - share) / share * np.exp(log_q - log_p)
    return np.log(1 - smooth) - np.log(smooth + forged)
""",
            "critic_loss": """def softplus(x):
    top = np.maximum(x.data, 0)
    return top + op.log(op.exp(x - top) + np.exp(-top))


def critic_loss(real, fake, *, share=0.5, smooth=0.0):
    on_real = softplus(-real) + smooth * real
    on_fake = softplus(fake) - smooth * fake
    return share * on_real.mean() + (1 - share) * on_fake.mean()
""",
            "told": """def told(cost, log_p, m, s):
    m, s = Tensor(np.array(m), True), Tensor(np.array(s), True)
    x = m + s * z
    slopes = grad(-(weights * cost(log_p(x) - log_bell(x, m, s))).sum(), [m, s])
    return np.array([slope.item() for slope in slopes])
""",
            "turns": changed("return loss.item()", "return total.item()", 1),
            "work": """def work(real, fake):
    K = max(len(real), len(fake))
    u = (np.arange(K) + 0.5) / K
    x, y = np.sort(real), fake[np.argsort(fake.data)]
    x, y = x[(u * len(x)).astype(int)], y[(u * len(y)).astype(int)]
    return abs(x - y).mean()
""",
        },
        {
            "test_best_logit": 0,
            "test_best_logit_smooth": 0,
            "test_critic_loss": 0,
            "test_critic_loss_far": 0,
            "test_critic_loss_slopes": 0,
            "test_told": 0,
            "test_told_elsewhere": 0,
            "test_critic_turn": 0,
            "test_work": 0,
            "test_work_slopes": 0,
        },
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
