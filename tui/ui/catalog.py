"""All commands, modes and views of the screen, in the order in which people meet them."""

from __future__ import annotations

from tui.domain.phrases import phrase
from tui.ui.commands import Command

__all__ = [
    "COMMANDS", "COMPARE", "DISK", "ENVIRONMENTS", "FIND", "FLEET", "HISTORY", "HOSTS", "LABELS", "MATRIX", "MODES",
    "NAVIGATION", "PACKAGES", "SESSIONS", "SHORT", "TASKS", "TASK_HISTORY",
]  # fmt: skip

FLEET, ENVIRONMENTS, DISK, SESSIONS, TASKS, HOSTS = "fleet", "environments", "disk", "sessions", "tasks", "hosts"
PACKAGES, FIND, COMPARE, MATRIX, HISTORY = "packages", "find", "compare", "matrix", "history"
TASK_HISTORY = "task_history"

MODES: tuple[tuple[str, str, str], ...] = (
    (FLEET, "1", phrase("Fleet")),
    (ENVIRONMENTS, "2", phrase("Environments")),
    (DISK, "3", phrase("Disk")),
    (SESSIONS, "4", phrase("Sessions")),
    (TASKS, "5", phrase("Tasks")),
    (HOSTS, "6", phrase("Hosts")),
)
"""(mode, key, label)."""
SHORT: dict[str, str] = {ENVIRONMENTS: phrase("Envs")}
"""Labels for a screen on which not all would have room beside what is said of the fleet."""

LABELS: dict[str, str] = {
    **{mode: label for mode, _, label in MODES},
    PACKAGES: phrase("Packages"),
    FIND: phrase("Find"),
    COMPARE: phrase("Compare"),
    MATRIX: phrase("Names by hosts"),
    HISTORY: phrase("History"),
    TASK_HISTORY: phrase("History of tasks"),
}

NAVIGATION: tuple[tuple[str, str], ...] = (
    ("↑ ↓ j k", phrase("one row up or down")),
    ("PgUp PgDn", phrase("one page up or down")),
    ("g G", phrase("first row, last row")),
    ("Tab", phrase("from table to detail and back")),
    (phrase("Mouse"), phrase("a title sorts, the left edge marks, a double click goes in")),
)
_MOVING = ("up", "down", "j", "k", "g", "G", "pageup", "pagedown", "home", "end", "ctrl+b", "ctrl+f", "tab")
RESERVED = frozenset((*_MOVING, "shift+tab", "ctrl+q", "ctrl+c", "ctrl+p"))
"""Keys that no command may take: moving about, and the last ways out."""

_TABLES = (FLEET, ENVIRONMENTS, DISK, SESSIONS, TASKS, HOSTS)
_BY_HOST = (FLEET, DISK, HOSTS, SESSIONS, TASKS)

COMMANDS: tuple[Command, ...] = (
    Command("detail", "enter", "Detail", "Into the detail; Esc comes back", "detail", (*_TABLES, HISTORY), True, False),
    Command("open_hit", "enter", "Go there", "Go to the environment that holds it", "detail", (FIND,), True),
    Command("open_name", "enter", "Compare", "Compare this name on all hosts", "detail", (MATRIX,), True),
    Command("open_package", "enter", "Where else", "Find this package on the whole fleet", "detail", (PACKAGES,), True),
    Command("open_task", "enter", "Go there", "Go to the task on its host, where that keeps it", "detail",
            (TASK_HISTORY,), True),
    Command("filter", "slash", "Filter", "Show only some rows: words, or fields such as host:gpu*", "filter", (), True),
    Command("find", "f", "Find", "Find a package on the whole fleet: torch<2.1, numpy=1.21.6", "find",
            footer=(ENVIRONMENTS, PACKAGES)),
    Command("sort", "o", "Sort", "Choose the column to sort by; again on it turns the order round", "sort", (), True,
            rank=3),
    Command("reverse", "O", "Reverse", "Turn the order round", "reverse"),
    Command("mark", "space,shift+down", "Mark", "Mark the row, or take its mark away, and go on", "mark",
            footer=_TABLES, rank=2),
    Command("mark_range", "v", "Mark up to here", "Mark all rows from the last mark to this one", "mark_range"),
    Command("mark_all", "asterisk", "Mark all", "Mark every row shown", "mark_all"),
    Command("unmark", "u", "Unmark", "Take all marks away, also of rows that a filter hides", "unmark"),
    Command("count", "n", "Count", "Count the disks of the marked rows' hosts, or of this row's; it changes nothing",
            "count", (DISK,), True, over="count_rows"),
    Command("let_go", "delete", "Let go", "Let the marked things go, or this one: counted again, shown, asked, done",
            "let_go", (DISK,), True, dangerous=True, over="let_go_rows"),
    Command("save_plan", "w", "Save plan", "Save the marked things as a plan, to be reviewed and run later",
            "save_plan", (DISK,)),
    Command("mark_suggested", "i", "Mark suggested", "Mark what every counted host could let go without much thought",
            "mark_suggested", (DISK,), True),
    Command("packages", "p", "Packages", "The environment's packages as a table", "packages", (ENVIRONMENTS,), True),
    Command(
        "compare",
        "c",
        "Compare",
        "Compare two marked environments, or this name on all hosts",
        "compare",
        (ENVIRONMENTS,),
        True,
    ),
    Command("history", "h", "History", "What was asked of conda for the environment, and what came of it", "history",
            (ENVIRONMENTS, PACKAGES)),
    Command("matrix", "m", "Matrix", "Which hosts have which names, and are they the same", "matrix",
            (FLEET, ENVIRONMENTS)),
    Command("create", "plus", "Create", "Make a new environment, on one host or on many; asks before", "create",
            (FLEET, ENVIRONMENTS, HOSTS), (ENVIRONMENTS,), rank=4, dangerous=True, over="create_rows"),
    Command("clone", "C", "Clone", "Copy this environment, on its host or to others; asks before", "clone",
            (ENVIRONMENTS,), dangerous=True),
    Command("install", "I", "Install", "Install packages into the marked environments, or this one; asks before",
            "install", (ENVIRONMENTS,), dangerous=True, over="install_rows"),
    Command("update", "U", "Update", "Update packages of the marked environments, or of this one; asks before",
            "update", (ENVIRONMENTS,), dangerous=True, over="update_rows"),
    Command("uninstall", "ctrl+x", "Uninstall", "Take packages out of the marked environments, or this one; asks "
            "before", "uninstall", (ENVIRONMENTS,), dangerous=True, over="uninstall_rows"),
    Command("export", "E", "Export", "Write a file on this machine to make this environment again from", "export",
            (ENVIRONMENTS,)),
    Command("rename", "N", "Rename", "Give this environment another name; asks before", "rename", (ENVIRONMENTS,),
            dangerous=True),
    Command("recreate", "ctrl+e", "Make anew", "Make the marked environments, or this one, anew from their records; "
            "asks before", "recreate", (ENVIRONMENTS,), dangerous=True, over="recreate_rows"),
    Command("remove", "delete", "Remove", "Remove the marked environments, or this one; asks before", "remove",
            (ENVIRONMENTS,), (ENVIRONMENTS,), rank=4, dangerous=True, over="remove_rows"),
    Command("trash", "t", "Put aside", "What was put aside on the hosts of the marked rows, or of this row", "trash",
            (ENVIRONMENTS, DISK), over="trash_rows"),
    Command("group", "b", "Group", "Group the rows in one way, in another, or not at all", "group",
            (ENVIRONMENTS, DISK, TASKS)),
    Command("fold", "z", "Fold", "Fold all groups, or unfold them", "fold_all", (ENVIRONMENTS, DISK, TASKS)),
    Command("task_log", "l", "Log", "The whole log of the task, as its terminal showed it", "task_log", (TASKS,), True),
    Command("cancel_task", "ctrl+x", "Cancel", "End the marked tasks, or this one; asks before", "cancel_task",
            (TASKS,), True, dangerous=True, over="cancel_rows"),
    Command("purge_tasks", "ctrl+d", "Clear away", "Have hosts forget tasks that are over, and their logs; asks before",
            "purge_tasks", (TASKS,), dangerous=True, over="purge_rows"),
    Command("task_history", "h", "History", "What tasks did, as this machine remembers it", "task_history", (TASKS,),
            True),
    Command("copy_command", "Y", "Copy command", "Copy the command line that the task runs", "copy_command", (TASKS,)),
    Command("attach", "a", "Attach", "Attach to the tmux session at full screen; detach with tmux's own keys",
            "attach", (FLEET, SESSIONS), True),
    Command("shell", "s", "Shell", "A login shell on the row's host, at full screen", "shell",
            (*_TABLES, FIND, TASK_HISTORY), (FLEET, SESSIONS, HOSTS)),
    Command("host_environments", "e", "Its environments", "The environments of the row's host", "host_environments",
            _BY_HOST),
    Command("log", "l", "Log", "The connection log of the row's host", "log",
            (FLEET, ENVIRONMENTS, DISK, SESSIONS, HOSTS)),
    Command("reconnect", "c", "Reconnect", "Drop the connection and make it anew; a host that is down is tried now",
            "reconnect", (HOSTS,), True, over="reconnect_rows"),
    Command("disconnect", "x", "Let go", "Let go of the host until it is asked again; what runs there goes on",
            "disconnect", (HOSTS,), True, over="disconnect_rows"),
    Command("refresh", "r", "Refresh", "Ask the hosts of the marked rows, or of this row, again now", "refresh",
            (*_TABLES, HISTORY), (HISTORY,), over="refresh_rows"),
    Command("refresh_all", "R", "Refresh all", "Ask every host again now", "refresh_all", _TABLES),
    Command("copy", "y", "Copy", "Copy the marked rows, or this one, as commands of condafleet take them", "copy",
            over="copy_rows"),
    Command("pane", "d", "Detail pane", "Show the detail beside the table, or give its room to the table", "pane",
            _TABLES),
    Command(FLEET, "1", "Fleet", "All hosts", f"app.mode('{FLEET}')"),
    Command(ENVIRONMENTS, "2", "Environments", "All environments of all hosts", f"app.mode('{ENVIRONMENTS}')"),
    Command(DISK, "3", "Disk", "What the disks hold, and what could go", f"app.mode('{DISK}')"),
    Command(SESSIONS, "4", "Sessions", "All tmux sessions of all hosts", f"app.mode('{SESSIONS}')"),
    Command(TASKS, "5", "Tasks", "Every change that runs, or ran, on a host", f"app.mode('{TASKS}')"),
    Command(HOSTS, "6", "Hosts", "How each host is reached, and what went wrong", f"app.mode('{HOSTS}')"),
    Command("last", "minus", "Last view", "Back to where you were before, with its filter", "app.last"),
    Command("back", "escape", "Back", "One step out: of detail, filter or view; never quits", "back", palette=False),
    Command("palette", "colon", "Palette", "Find a command by its name (also Ctrl+P)", "app.command_palette",
            palette=False),
    Command("notify", "exclamation_mark", "Notify", "Have the terminal tell when a task that you began is over, or not",
            "app.notify_ends"),
    Command("theme", "T", "Theme", "Choose the colours", "app.change_theme"),
    Command("keys", "question_mark", "Keys", "The keys of this screen", "keys", footer=True, rank=0),
    Command("quit", "q", "Quit", "Leave at once; what runs on hosts goes on (also Ctrl+Q)", "app.quit", footer=True,
            rank=0),
)  # fmt: skip
