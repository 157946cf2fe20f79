/** A text as a QR code, dark on white in both themes: cameras want it so. */
import { QRCodeSVG } from 'qrcode.react';

/** The code. @param label what it is, for those who cannot see it. */
export function Qr({
  text,
  label,
  size = 180,
}: {
  readonly text: string;
  readonly label: string;
  readonly size?: number;
}) {
  return (
    <span className="qr">
      <QRCodeSVG value={text} size={size} level="M" role="img" aria-label={label} />
    </span>
  );
}
