/** Two threads crossing: the sign of the product. */
export function Mark({ size = 22 }: { size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="var(--accent)"
      strokeWidth={2.6}
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d="M3 6c5 0 5 12 9 12s4-12 9-12" />
      <path d="M3 18c5 0 5-12 9-12" opacity={0.35} />
      <path d="M14.5 17c1.500.9 3.500 1 6.500 1" opacity={0.35} />
    </svg>
  );
}
