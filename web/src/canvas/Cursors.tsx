import { useStore, ViewportPortal } from "@xyflow/react";
import { memo } from "react";
import { type Person, useMotion, usePresence } from "@/flow/presence";
import type { Point } from "@/flow/types";
import classes from "./Cursors.module.css";

/** The others' cursors, at their size whatever the zoom. */
export function Cursors() {
  const peers = usePresence((s) => s.peers);
  const cursors = useMotion((s) => s.cursors);
  const zoom = useStore((s) => s.transform[2]);
  return (
    <ViewportPortal>
      {peers.map(({ client, user }) => {
        const at = cursors[client];
        return at ? <Cursor key={client} at={at} user={user} zoom={zoom} /> : null;
      })}
    </ViewportPortal>
  );
}

interface CursorProps {
  at: Point;
  user: Person;
  zoom: number;
}

const Cursor = memo(function Cursor({ at, user, zoom }: CursorProps) {
  const transform = `translate(${at.x}px, ${at.y}px) scale(${1 / zoom})`;
  return (
    <div
      className={classes.cursor}
      data-testid="cursor"
      data-user={user.name}
      style={{ transform, color: user.color }}
      aria-hidden
    >
      <svg width="16" height="16" viewBox="0 0 24 24" aria-hidden="true">
        <path d="M4 2l6.5 18 2.6-7.6L21 9.8z" />
      </svg>
      <span style={{ background: user.color }}>{user.name}</span>
    </div>
  );
});
