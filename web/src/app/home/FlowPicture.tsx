import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { FlowPreview } from "@/api/types";
import { categoryColor } from "@/ui/NodeIcon";
import { type PictureNode, pictureOf } from "./preview";

interface FlowPictureProps {
  preview: FlowPreview | null | undefined;
  width: number;
  height: number;
  margin?: number;
  className?: string | undefined;
}

/** A small picture of a flow: its nodes in their colours and the lines between them. */
export const FlowPicture = memo(function FlowPicture(props: FlowPictureProps) {
  const { preview, width, height, margin = 18, className } = props;
  const { t } = useTranslation("home");
  const picture = useMemo(
    () => pictureOf(preview, width, height, margin),
    [preview, width, height, margin],
  );
  return (
    <svg
      className={className}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={t("flow.nodes", { count: picture.nodes.length })}
    >
      {picture.nodes
        .filter((node) => node.frame)
        .sort((a, b) => b.width - a.width)
        .map((node) => (
          <Frame key={node.key} node={node} />
        ))}
      <g fill="none" stroke="var(--border-2)" strokeWidth={1.4}>
        {picture.edges.map((edge) => (
          <path key={edge.key} d={edge.path} />
        ))}
      </g>
      {picture.nodes
        .filter((node) => !node.frame)
        .map((node) => (
          <PictureCard key={node.key} node={node} />
        ))}
    </svg>
  );
});

/** A container: what lies in it lies on it. */
function Frame({ node }: { node: PictureNode }) {
  const { x, y, width, height, category, port } = node;
  const color = categoryColor(category);
  const tile = port * 0.9;
  return (
    <g>
      <rect
        x={x}
        y={y}
        width={width}
        height={height}
        rx={3}
        fill={`color-mix(in srgb, ${color} 7%, var(--surface))`}
        stroke={`color-mix(in srgb, ${color} 40%, var(--surface))`}
        strokeWidth={0.9}
      />
      <rect x={x + tile} y={y + port - tile / 2} width={tile} height={tile} rx={1} fill={color} />
    </g>
  );
}

const SMALLEST_CARD = 22;
const SMALLEST_TWO_LINES = 40;

/** A node small: a card with a tile and strokes for its words, or only its colour. */
function PictureCard({ node }: { node: PictureNode }) {
  return node.width < SMALLEST_CARD ? <Pill node={node} /> : <Card node={node} />;
}

function Pill({ node }: { node: PictureNode }) {
  const { x, y, width, height, category } = node;
  const color = categoryColor(category);
  return <rect x={x} y={y} width={width} height={height} rx={2.5} fill={color} />;
}

function Card({ node }: { node: PictureNode }) {
  const { x, y, width, height, category } = node;
  const color = categoryColor(category);
  const tile = height * 0.5;
  const inset = (height - tile) / 2;
  const textX = x + inset + tile + height * 0.18;
  const textWidth = Math.max(0, x + width - inset - textX);
  const twoLines = width >= SMALLEST_TWO_LINES;
  return (
    <g>
      <rect
        x={x}
        y={y}
        width={width}
        height={height}
        rx={height * 0.17}
        fill={`color-mix(in srgb, ${color} 13%, var(--surface))`}
        stroke={`color-mix(in srgb, ${color} 50%, var(--surface))`}
        strokeWidth={0.9}
      />
      <rect x={x + inset} y={y + inset} width={tile} height={tile} rx={tile * 0.26} fill={color} />
      <rect
        x={textX}
        y={y + height * (twoLines ? 0.3 : 0.42)}
        width={textWidth * 0.9}
        height={height * (twoLines ? 0.14 : 0.18)}
        rx={height * 0.07}
        fill="var(--text-3)"
        opacity={0.8}
      />
      {twoLines && (
        <rect
          x={textX}
          y={y + height * 0.56}
          width={textWidth * 0.58}
          height={height * 0.12}
          rx={height * 0.06}
          fill="var(--text-3)"
          opacity={0.45}
        />
      )}
    </g>
  );
}
