import { Button, NumberInput, Select, TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Json, JsonObject } from "@/api/types";
import { useSession } from "@/flow/store";
import { inOneLine } from "@/ui/errorText";
import { useErrorText } from "@/ui/useErrorText";
import { setRunBreakpoints } from "../control";
import { useNodeLook } from "../nodes";
import { useRun } from "../store";
import { TableView } from "../views/TableView";
import classes from "./Live.module.css";
import { samplesOf } from "./samples";

/** A look at each so many-th record of a node; the stream goes on meanwhile. */
export function Samples() {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  const words = useErrorText();
  const viewer = useSession((s) => s.role === "viewer");
  const nodes = useRun((run) => run.nodes);
  const points = useRun((run) => run.breakpoints);
  const looking = points.find((point) => point.sample != null);
  const [node, setNode] = useState<string | null>(looking?.node ?? null);
  const [every, setEvery] = useState(looking?.sample ?? 10);
  const [where, setWhere] = useState(looking?.condition ?? "");
  const [trouble, setTrouble] = useState("");

  async function tell(on: boolean): Promise<void> {
    const others = points.filter((point) => point.sample == null);
    const condition = where.trim() || null;
    const mine = on && node ? [{ node, when: "after" as const, sample: every, condition }] : [];
    try {
      await setRunBreakpoints([...others, ...mine]);
      useRun.setState({ breakpoints: [...others, ...mine] });
      setTrouble("");
    } catch (error) {
      setTrouble(inOneLine(words(error)));
    }
  }

  const names = Object.keys(nodes).map((id) => ({ value: id, label: look(id).name }));
  return (
    <section className={classes.box} data-testid="live-samples">
      <h3>{t("live.samples")}</h3>
      <div className={classes.form}>
        <Select
          size="xs"
          aria-label={t("live.sampleNode")}
          placeholder={t("live.sampleNode")}
          data={names}
          value={node}
          onChange={setNode}
          disabled={viewer}
        />
        <NumberInput
          size="xs"
          aria-label={t("live.sampleEvery")}
          title={t("live.sampleEvery")}
          value={every}
          onChange={(value) => setEvery(Math.max(1, Math.floor(Number(value) || 1)))}
          min={1}
          disabled={viewer}
        />
        <TextInput
          size="xs"
          aria-label={t("live.sampleWhere")}
          placeholder={t("live.sampleWhere")}
          value={where}
          onChange={(event) => setWhere(event.currentTarget.value)}
          error={trouble || undefined}
          disabled={viewer}
        />
        <Button
          size="xs"
          variant={looking ? "default" : "filled"}
          disabled={viewer || (!looking && !node)}
          onClick={() => void tell(!looking)}
          data-testid="live-look"
        >
          {t(looking ? "live.sampleStop" : "live.sampleStart")}
        </Button>
      </div>
      {looking && <Seen node={looking.node} />}
    </section>
  );
}

function Seen({ node }: { node: string }) {
  const { t } = useTranslation("runs");
  const events = useRun((run) => run.events);
  const records = samplesOf(events, node);
  if (records.length === 0) return <p className={classes.quiet}>{t("live.sampleNone")}</p>;
  return (
    <div className={classes.seen} data-testid="live-seen">
      <TableView rows={records.map(asRow)} total={records.length} />
    </div>
  );
}

function asRow(record: Json): JsonObject {
  const plain = typeof record === "object" && record !== null && !Array.isArray(record);
  return plain ? (record as JsonObject) : { value: record };
}
