"""How the Previews view shares out its lines and columns."""

from distill_tui.ui.screens.training.previews.layout import GAP, lay_out, steps_shown


def test_the_view_fits_at_every_size() -> None:
    for width in range(10, 220, 7):
        for height in range(4, 60):
            for previews in (1, 2, 5, 40):
                place = lay_out(width, height, previews, 4)
                used = 2 + place.film_rows + place.film_labels + place.rows + place.has_seconds + place.listed
                assert used + place.has_paths <= height, place
                assert place.rows >= 1
                assert place.axis + 2 * place.picture + GAP <= width
                assert place.slots * (place.thumb + 1) - 1 <= width
                assert place.slots <= previews + 1


def test_six_steps_and_the_original_stand_in_a_row_where_there_is_room() -> None:
    assert [lay_out(78, height, 9, 4).slots for height in (12, 18)] == [0, 7]
    assert lay_out(198, 40, 40, 4).slots == 9
    assert lay_out(198, 40, 1, 4).slots == 0, "one step is no film"


def test_a_film_of_many_steps_shows_the_ends_and_the_chosen_one() -> None:
    assert steps_shown(4, 1, 6) == [0, 1, 2, 3]
    for chosen in range(40):
        shown = steps_shown(40, chosen, 6)
        assert chosen in shown
        assert shown == sorted(set(shown))
        assert len(shown) == 6
    assert steps_shown(40, 20, 6)[0] == 0
    assert steps_shown(40, 20, 6)[-1] == 39
    assert steps_shown(3, 2, 1) == [2]
