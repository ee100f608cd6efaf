"""What the shop says beside the engine, in English and in Chinese: (en, zh) by key, spoken as the engine's are."""

from __future__ import annotations

from typing import Any

from customs.duty.wording import Phrase, learn, said
from shop.offers import Blocked

SENTENCES = {
    "shop_identity": (
        "cross-border retail is declared in the buyer's name, so the buyer's identity must be known",
        "跨境电商零售进口以订购人名义申报，须先登记订购人身份"),
    "shop_give_identity": ("give name and resident identity number in your account",
                           "请在账户中填写姓名和居民身份证号码"),
    "shop_unknown": ("no such listing is in the shop", "商店里没有这件商品"),
    "shop_withdrawn": ("the listing was taken out of the shop", "该商品已下架"),
    "shop_for_companies": ("this is sold between companies, by quotation", "此商品仅在企业之间以询价方式出售"),
    "shop_ask_quotation": ("a verified company asks the merchant for a quotation", "请由经核验的企业向商家询价"),
    "shop_short": ("{wanted} asked for, {left} in stock", "需要 {wanted}，库存仅余 {left}"),
    "shop_order_at_most": ("order at most {left}", "最多可订购 {left}"),
    "shop_sold_out": ("sold out: leave it out of the order", "已售罄：请从订单中移除"),
    "shop_life_short": (
        "{wanted} asked for; of the {left} in stock, {few} would have the least remaining life after {days} days on the"
        " way to {zone}",
        "需要 {wanted}，库存 {left}；运往{zone}需 {days} 天，其中到货时仍满足最短剩余保质期的为 {few}"),
    "shop_nearer": ("order at most {left}, or have it sent to an address nearer by",
                    "最多可订购 {left}，或改寄较近的地址"),
    "shop_only_nearer": ("have it sent to an address nearer by", "请改寄较近的地址"),
    "shop_split": ("split it into {orders} orders of at most {limit} CNY each, freight included",
                   "可分成 {orders} 个订单，每单含运费不超过 {limit} 元"),
    "shop_split_full_tax": (
        "split it into {orders} orders; one single item above {limit} CNY goes alone and bears the full tax",
        "可分成 {orders} 个订单；单件超过 {limit} 元的商品须单独下单并全额缴税"),
    "shop_no_split": ("order less: splitting would not help, {left} CNY are left of this year's allowance",
                      "请减少数量：本年度剩余额度为 {left} 元，分单也无济于事"),
    "shop_order_less": ("order less", "请减少数量"),
    "shop_above_year": ("{total} CNY would pass the allowance of {year}: {left} CNY are left",
                        "{total} 元将超过 {year} 年度交易限值，剩余额度 {left} 元"),
    "shop_next_year": ("order for at most {left} CNY now, or buy from 1 January {next}",
                       "现在最多可购 {left} 元，或者 {next} 年 1 月 1 日起再买"),
    "shop_from_january": ("buy from 1 January {next}", "请于 {next} 年 1 月 1 日起购买"),
    "shop_never_inside": ("above the limit of a whole year: buy it from stock imported by general trade",
                          "超过全年限值：请购买一般贸易进口的现货"),
    "shop_above_cap": (
        "{kg} kg of {group} would pass the {cap} kg a person may import in {year}: {left} kg are left",
        "{group} {kg} 千克将超过 {year} 年每人限量 {cap} 千克，剩余 {left} 千克"),
    "shop_cap_some": ("order at most {left} kg of {group} now, or the rest from 1 January {next}",
                      "现在最多可购{group} {left} 千克，其余请于 {next} 年 1 月 1 日起购买"),
    "shop_cap_january": ("buy {group} from 1 January {next}", "{group}请于 {next} 年 1 月 1 日起购买"),
    "shop_above_payment": ("{total} CNY is more than one payment can take: at most {most} CNY",
                           "{total} 元超过单笔支付上限 {most} 元"),
    "shop_price_spread": (
        "{wanted} cost {total} CNY, partly at the reduced price: no unit price of five decimals, which is all that"
        " customs takes, gives this total",
        "{wanted} 合计 {total} 元，其中部分按优惠价：海关申报单价最多五位小数，无法与该合计相符"),
    "shop_pay_apart": ("order in smaller parts, each paid by itself", "请分成几个订单，分别支付"),
    "shop_not_served": ("nothing is delivered to {province}", "不配送至{province}"),
    "shop_not_cold": ("goods of the cold chain are not delivered to {zone}", "冷链商品不配送至{zone}"),
    "shop_province": ("the address does not tell its province", "收货地址没有写明省份"),
    "shop_give_province": ("name one of the 31 provinces in the address", "请在地址中写明 31 个省、自治区、直辖市之一"),
    "shop_other_address": ("choose another address", "请选择其他地址"),
    "shop_freight_to": ("freight to {province}, zone {zone}, at most {days} days on the way",
                        "运费按{province}（{zone}）计，在途最多 {days} 天"),
    "shop_freight_assumed": ("freight to the standard zone, {zone}; with an address it is reckoned to there",
                             "运费暂按标准区域（{zone}）计；选定地址后按实际区域计"),
}  # fmt: skip
learn(SENTENCES)


def blocked(code: str, detail: Phrase, hint: Phrase | None = None, **place: Any) -> Blocked:
    """A reason against buying, told in both languages."""
    told = said(detail=detail) if hint is None else said(detail=detail, hint=hint)
    return Blocked(code, told["detail"], told.get("hint"), phrases=told["phrases"], **place)
