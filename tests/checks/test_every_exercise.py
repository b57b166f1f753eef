"""Every exercise of every chapter is sound: see conftest.py for what that means."""


def test_is_sound(exercise, faults_in, capfd):
    assert faults_in(exercise) == []
    assert capfd.readouterr().err == ""
