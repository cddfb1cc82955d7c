"""How far people agree. Pure: numpy and no Django; docs/agreement.md says which formula is from which paper.

`ratings` is items x raters: numbers or anything hashable, None or NaN where this rater did not rate this item. `categories` are all
values that could be given, in order (those that occur, in ascending order, unless said): levels that nobody used change a weighted
figure. `weights` are None, "linear", "quadratic", or a matrix: with zeros on its diagonal of disagreement, with ones of agreement.

Every function answers with a Coefficient: `value se low high n_items n_raters undefined`. Where a formula divides by zero there is no
number but a reason; what is no table of ratings is a ValueError.
"""

from apps.labeling.coefficients.alpha import krippendorff_alpha
from apps.labeling.coefficients.boxes import Box, box_agreement, box_iou
from apps.labeling.coefficients.chance import (
    brennan_prediger,
    conger_kappa,
    fleiss_kappa,
    gwet_ac,
    percent_agreement,
)
from apps.labeling.coefficients.icc import icc
from apps.labeling.coefficients.pairs import cohen_kappa, scott_pi, weighted_kappa
from apps.labeling.coefficients.ranking import kendall_w
from apps.labeling.coefficients.result import (
    NO_VARIATION,
    NOTHING_MARKED,
    TOO_FEW_ITEMS,
    TOO_FEW_RATERS,
    Coefficient,
    undefined,
)
from apps.labeling.coefficients.spans import Span, span_agreement

__all__ = [
    "NOTHING_MARKED",
    "NO_VARIATION",
    "TOO_FEW_ITEMS",
    "TOO_FEW_RATERS",
    "Box",
    "Coefficient",
    "Span",
    "box_agreement",
    "box_iou",
    "brennan_prediger",
    "cohen_kappa",
    "conger_kappa",
    "fleiss_kappa",
    "gwet_ac",
    "icc",
    "kendall_w",
    "krippendorff_alpha",
    "percent_agreement",
    "scott_pi",
    "span_agreement",
    "undefined",
    "weighted_kappa",
]
