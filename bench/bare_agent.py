"""The yardstick of `bench stream`: one event at a time, a table entry of 1.5 KB and one record out for each.

python -m bench.bare_agent GROUP TOPIC PARTITIONS
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Final

_STATE: Final = b"x" * 1500


def main() -> None:
    """Run until SIGTERM."""
    import faust
    import uvloop
    from mode import Worker

    group, topic, partitions = sys.argv[1], sys.argv[2], int(sys.argv[3])
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    app = faust.App(
        group,
        broker=f"kafka://{os.environ['SHADOW_KAFKA_BOOTSTRAP']}",
        store="memory://",
        datadir=os.environ["SHADOW_DATA_DIR"],
        topic_partitions=partitions,
        topic_disable_leader=True,
        consumer_auto_offset_reset="earliest",
        broker_commit_interval=1.0,
        web_enabled=False,
    )
    raw: dict[str, Any] = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    source = app.topic(topic, **raw)
    out = app.topic(f"{group}-out", **raw, partitions=partitions, internal=True)
    table = app.Table("state", key_type=bytes, value_type=bytes, partitions=partitions)

    @app.agent(source)
    async def work(stream: Any) -> None:
        async for event in stream.events():
            table[event.key] = _STATE
            await out.send(key=event.key, value=event.value)

    Worker(app, loglevel="INFO", loop=loop).execute_from_commandline()


if __name__ == "__main__":
    main()
