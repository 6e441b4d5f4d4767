"""Who may see or stop a run: whoever may see or change its flow.

A run that another one called is part of that: whoever looks at it may see both flows, and whoever
tells it something may change the flow of the outermost run.
"""

from sqlmodel import Session

from weft_server.accounts.principal import Principal
from weft_server.accounts.roles import Role
from weft_server.errors import Missing, register
from weft_server.flows.access import flow_access
from weft_server.runs import called_runs, repository
from weft_server.runs.repository import StoredRun

register(
    {
        "run.not_found": "There is no such run, or no access to its flow.",
        "run.node_not_found": "The run has no such node.",
    }
)


def run_access(
    session: Session, principal: Principal, run_id: str, at_least: Role = Role.VIEWER
) -> StoredRun:
    """The run, if this person may do that much with its flow.

    Raises:
        Missing: 404 `run.not_found`, no such run or not visible to this person.
        Forbidden: 403, visible, but the role is too small.
    """
    stored = repository.find(session, run_id)
    if stored is None:
        raise Missing.of("run", run_id)
    flows = [stored.row.flow_id]
    if stored.row.parent_id is not None:
        flows += [flow_id for _, flow_id in called_runs.ancestors(session, run_id)]
    try:
        for flow_id in flows[:-1]:
            flow_access(session, principal, flow_id)
        flow_access(session, principal, flows[-1], at_least)
    except Missing:
        raise Missing.of("run", run_id) from None
    return stored
