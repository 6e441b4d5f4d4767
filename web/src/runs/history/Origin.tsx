import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { api } from "@/api/client";
import type { RunInfo } from "@/api/types";
import { placeOf } from "./called";
import { kindOf } from "./originKind";

interface OriginProps {
  from: string;
  fromNode: string | null;
}

/** Of which run this one is another try, or a fork, with the way there. */
export function Origin({ from, fromNode }: OriginProps) {
  const { t } = useTranslation("called");
  const former = useQuery({
    queryKey: ["former-run", from],
    queryFn: ({ signal }) => api.get<RunInfo>(`/runs/${from}`, {}, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const run = former.data;
  if (!run) {
    return (
      <span data-testid="run-origin">
        {t("origin.from")} {t("origin.hidden")}
      </span>
    );
  }
  return (
    <span data-testid="run-origin">
      {t(`origin.${kindOf({ from_node: fromNode }, run)}`)}{" "}
      <Link href={placeOf(run)} onClick={(event) => event.stopPropagation()}>
        {t("origin.run", { number: run.number })}
      </Link>
    </span>
  );
}
